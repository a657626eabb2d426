"""What a person sees and decides about themselves: where they are signed in, their data, their consent."""
