"""RTNeural's files: layers one after another, with weights in Keras' layouts."""
