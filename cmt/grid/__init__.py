"""Where music's grid lies under a picture: bars and sixteenths in seconds, so that cuts and beats fall on them."""
