"""The machine under the work: processes and clusters, files and folders, memory, tables of text."""
