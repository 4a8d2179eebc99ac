"""The main job, end to end: from a source of pictures to a run folder with a report.

Here belongs the order of the stages and the bookkeeping of a run; each stage's work is done by the
package that it belongs to.
"""
