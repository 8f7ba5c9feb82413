from django.db import models
from django.utils.translation import gettext_lazy as _


class Note(models.Model):
    text = models.CharField(_("text"), max_length=200)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self):
        return self.text
