"""The Hugging Face hub: what is fetched from it and checked, and what is put there. It knows files, not models."""
