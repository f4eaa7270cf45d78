"""Read what a plug-in offers and the options it takes."""
