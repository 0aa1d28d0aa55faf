"""The methods of a cloud plugin of Image Factory, called as the original calls its mock."""

import logging
import uuid

from zope.interface import implementer

from imgfac.CloudDelegate import CloudDelegate
from imgfac.ImageFactoryException import ImageFactoryException


@implementer(CloudDelegate)
class MockCloud:
    def __init__(self):
        self.log = logging.getLogger("MockCloud")

    def builder_should_create_target_image(self, builder, target, image_id, template, parameters):
        self.log.info("should: %s of %s", target, image_id)
        return not parameters.get("all_in_should") or self._all_in_one(builder)

    def builder_will_create_target_image(self, builder, target, image_id, template, parameters):
        self.log.info("will: %s of %s", target, template.name)
        builder.os_plugin.add_cloud_plugin_content(
            {"files": [{"name": "/etc/cloud", "type": "raw", "file": target}], "commands": []}
        )

    def builder_did_create_target_image(self, builder, target, image_id, template, parameters):
        self.log.info("did: %s", target)
        with open(builder.target_image.data, "a") as body:
            body.write(", finished for %s" % target)

    def push_image_to_provider(self, builder, provider, credentials, target, target_image, parameters):
        assert builder.target_image.identifier == target_image and credentials == builder.provider_image.credentials
        if parameters.get("fail"):
            raise ImageFactoryException("asked to fail")
        builder.provider_image.identifier_on_provider = str(uuid.uuid4())
        builder.provider_image.provider_account_identifier = "mock_user"
        builder.provider_image.update(100, "COMPLETE", "pushed to %s" % provider)

    def snapshot_image_on_provider(self, builder, provider, credentials, target, template, parameters):
        builder.provider_image.identifier_on_provider = "snapshot of %s" % template.os_name
        builder.provider_image.provider_account_identifier = "mock_user"

    def delete_from_provider(self, builder, provider, credentials, target, parameters):
        self.log.info("delete: %s", builder.provider_image.identifier_on_provider)

    def _all_in_one(self, builder):
        with open(builder.target_image.data, "w") as body:
            body.write("made of %s" % builder.base_image.identifier)
        return False
