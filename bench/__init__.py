"""How fast Trailbell is: `make bench`. Nothing here is needed to use it."""
