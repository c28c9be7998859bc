"""First-party components, registered through entry points exactly as a third party's are."""
