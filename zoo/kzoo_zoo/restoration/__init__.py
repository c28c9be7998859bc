"""Pictures restored: noise taken off, small ones enlarged, blur and the traces of JPEG undone."""
