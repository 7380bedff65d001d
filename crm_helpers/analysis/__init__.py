"""One module a question: frames in, frozen results out, nothing read or written."""
