"""Show 表单工作台: types and versions of forms, the editor of a draft, its preview."""
