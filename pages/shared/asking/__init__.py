"""What the pages ask of the store, kept while its rows stay. data and analytics meet."""
