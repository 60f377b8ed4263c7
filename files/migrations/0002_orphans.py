"""However a file is deleted (by a person, with its account, in the admin), its bytes are then
nobody's, and are deleted too: what is to be deleted stands in the same transaction.
"""

from django.db import migrations

ORPHANS = """
CREATE FUNCTION files_leave_orphan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO files_orphan (id, due_at) VALUES (OLD.id, now())
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at;
    RETURN OLD;
END
$$;
CREATE TRIGGER leave_orphan AFTER DELETE ON files_storedfile
    FOR EACH ROW EXECUTE FUNCTION files_leave_orphan();
"""


class Migration(migrations.Migration):
    dependencies = [("files", "0001_files")]
    operations = [
        migrations.RunSQL(
            ORPHANS,
            "DROP TRIGGER leave_orphan ON files_storedfile; DROP FUNCTION files_leave_orphan();",
        ),
    ]
