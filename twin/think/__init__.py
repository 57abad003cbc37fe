"""Think: messages in, a stream of text out. One file per backend; importing this loads none of their libraries."""
