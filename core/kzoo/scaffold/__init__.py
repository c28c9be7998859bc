"""The scaffold of a plugin: a complete distribution with one component, written from templates.

Example:
    >>> from kzoo.scaffold import files_of, plan
    >>> project = plan("kzoo-my-loss")
    >>> project.package, project.name, project.class_name
    ('kzoo_my_loss', 'my', 'MyLoss')
    >>> sorted(files_of(project))[-1]
    'tests/test_plugin.py'
"""

from kzoo.scaffold.project import KINDS, LICENSES, Project, plan
from kzoo.scaffold.render import files_of
from kzoo.scaffold.writing import write

__all__ = ["KINDS", "LICENSES", "Project", "files_of", "plan", "write"]
