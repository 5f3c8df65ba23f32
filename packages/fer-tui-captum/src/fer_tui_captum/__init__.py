"""Explainers for fer-tui by captum: gradients, DeepLIFT, LRP, perturbations, layers and neurons.

fer-tui finds them by their entry points; nothing here needs to be imported by hand, and captum is imported only when
one of them runs. They are written against fer_tui.contract alone.
"""
