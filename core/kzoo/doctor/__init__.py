"""What kzoo finds on a machine, and what stands in its way."""

from kzoo.doctor.machine import Finding, findings

__all__ = ["Finding", "findings"]
