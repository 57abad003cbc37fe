"""What a twin does: listen, think, speak, paint, animate. Importing this loads neither torch nor Gradio."""
