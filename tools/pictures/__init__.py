"""Pictures of the console for README and docs, made by the browser that tests it: `make pictures`."""
