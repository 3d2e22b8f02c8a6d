"""simlib: what does this similarity score tell me?"""
