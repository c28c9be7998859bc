"""Pictures of lines of text read: digits, serial numbers, captchas, words."""
