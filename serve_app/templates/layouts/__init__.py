"""How a view's files are arranged for the pipelines that read them: a file a layout."""
