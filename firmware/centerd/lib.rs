//! centerd
