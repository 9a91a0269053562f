//! The contract, held against documents.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod schemas;
