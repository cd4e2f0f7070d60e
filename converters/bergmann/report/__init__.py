"""A session on one page, for a person to look at before anything is written; start at `page.write_page`."""
