"""Numbers of official letters by series and year; each letter keeps its own."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.letter_numbers (series text NOT NULL, year integer NOT NULL, last integer NOT NULL,"
        " CONSTRAINT pk_letter_numbers PRIMARY KEY (series, year))"
    )
    op.execute(
        "ALTER TABLE applications.letters"
        " ADD COLUMN series text, ADD COLUMN year integer, ADD COLUMN number integer"
    )
    # What was issued keeps its number, and its series goes on from there.
    op.execute(
        "UPDATE applications.letters SET series = found[1], year = found[2]::int, number = found[3]::int FROM"
        " (SELECT id, regexp_match(reference, '^(.+)〔(\\d{4})〕(\\d+)号$') AS found FROM applications.letters) AS read"
        " WHERE read.id = letters.id AND found IS NOT NULL"
    )
    op.execute(
        "INSERT INTO applications.letter_numbers (series, year, last)"
        " SELECT series, year, max(number) FROM applications.letters WHERE series IS NOT NULL GROUP BY series, year"
    )
    op.execute("CREATE UNIQUE INDEX uq_letters_number ON applications.letters (year, series, number)")


def downgrade() -> None:
    op.execute("ALTER TABLE applications.letters DROP COLUMN series, DROP COLUMN year, DROP COLUMN number")
    op.execute("DROP TABLE applications.letter_numbers")
