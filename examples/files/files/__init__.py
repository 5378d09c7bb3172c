"""A place for files: uploads that can be broken off and go on, downloads that can, too."""
