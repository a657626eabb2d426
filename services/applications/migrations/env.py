from services.applications.tables.applications import Base
from shared.database import run_migrations

run_migrations(Base.metadata)
