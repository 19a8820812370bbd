//! A topology as a containerlab file.
