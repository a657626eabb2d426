from services.gateway.accounts.models import Base
from shared.database import run_migrations

run_migrations(Base.metadata)
