"""YOLOv3: objects in pictures and where they are."""
