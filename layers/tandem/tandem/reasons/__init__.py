"""The codes of every reason that Tandem gives. `tandem.words` makes the sentences of them."""
