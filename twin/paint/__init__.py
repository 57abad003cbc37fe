"""How a twin looks: pictures and the rig that moves them."""
