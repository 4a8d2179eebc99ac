"""What a design takes of a machine: time by the roofline, time measured, and memory."""
