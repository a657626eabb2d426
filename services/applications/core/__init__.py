"""What several features stand on: rules that hold in all of them."""
