from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("sound", "0001_initial")]

    initial = False

    operations = [ops.RunSQL("UPDATE sound_entry SET words = 0")]
