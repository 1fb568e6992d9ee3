"""What a repository is: its folder, its commits and files, and who may read them."""
