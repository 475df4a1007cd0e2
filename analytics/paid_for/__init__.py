"""What is a run paid for, by its rewards and lengths: no text is read here.

``length``: how much of the gain length alone explains. ``judge_ranks``: does the proxy still rank
responses as gold does. ``rivals``: what else moved when gold fell. ``signals``: what asks for gold
where there is none. ``report`` puts them together for the command and the pages.
"""
