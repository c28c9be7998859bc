"""Components as live Keras objects, and the wrappers that kzoo puts around them."""
