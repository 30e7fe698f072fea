"""Networks that others have trained: files of other projects become Keras models, with nothing in them left unread."""
