"""What a script logs by key and step beside numbers: images, tables, histograms, texts, figures; and models.

Python 3.8 and the standard library. NumPy, tensors, data frames, pillow, matplotlib and plotly are known by what their
objects can do; nothing of them is imported that the script has not imported itself.
"""
