"""Fill in an application offline: its tables and fields as a workbook (XLSX), and what comes back read cell by cell. Pure but for `api` and `workbooks`."""
