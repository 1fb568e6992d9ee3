"""What strangers made, and the libraries that read it, in processes without token and network."""
