"""What a build leaves for people and programs to read: the JSON, the table and the pictures."""
