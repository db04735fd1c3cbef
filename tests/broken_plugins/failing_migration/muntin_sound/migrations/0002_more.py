from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("sound", "0001_initial")]

    initial = False

    operations = [ops.RunSQL("UPDATE sound_nothing SET a = 1", reverse_sql="SELECT 1")]
