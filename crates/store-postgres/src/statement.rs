//! One statement of a unit: its text, its parameters, and what its rows must be for the unit to go on.

use attache_store::CommitError;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connections::Param;

type Check<'u> = Box<dyn Fn(&[Row]) -> Result<(), CommitError> + Send + Sync + 'u>;

/// A statement that is ready to be sent.
pub(crate) struct Statement<'u> {
    /// Its text.
    pub(crate) sql: &'static str,
    params: Vec<Box<dyn ToSql + Send + Sync + 'u>>,
    check: Option<Check<'u>>,
}

impl<'u> Statement<'u> {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql, params: Vec::new(), check: None }
    }

    /// With one more parameter.
    pub(crate) fn with(mut self, param: impl ToSql + Send + Sync + 'u) -> Self {
        self.params.push(Box::new(param));
        self
    }

    /// Its rows must be such that this agrees.
    pub(crate) fn checked(
        self,
        check: impl Fn(&[Row]) -> Result<(), CommitError> + Send + Sync + 'u,
    ) -> Self {
        Self { check: Some(Box::new(check)), ..self }
    }

    pub(crate) fn params(&self) -> Vec<Param<'_>> {
        self.params.iter().map(|param| -> Param<'_> { param.as_ref() }).collect()
    }

    /// Whether the unit goes on after these rows.
    pub(crate) fn check(&self, rows: &[Row]) -> Result<(), CommitError> {
        self.check.as_ref().map_or(Ok(()), |check| check(rows))
    }
}
