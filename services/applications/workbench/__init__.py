"""表单工作台: write the next version of a form, try it, publish it by a second person; let every process know it at once."""
