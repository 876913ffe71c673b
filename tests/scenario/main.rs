//! Scenarios of the whole box in virtual time: both daemons, the disk, the wires and the people.

mod faults;
mod hours;
mod list;
mod seats;
