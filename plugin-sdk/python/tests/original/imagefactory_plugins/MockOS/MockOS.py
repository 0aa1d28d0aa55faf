"""The methods of an OS plugin of Image Factory, called as the original calls its mock. Writes what it was asked into the images."""

import logging
import time

from zope.interface import implementer

from imgfac.ApplicationConfiguration import ApplicationConfiguration
from imgfac.BaseImage import BaseImage
from imgfac.FactoryUtils import parameter_cast_to_bool
from imgfac.ImageFactoryException import ImageFactoryException
from imgfac.OSDelegate import OSDelegate
from imgfac.TargetImage import TargetImage


@implementer(OSDelegate)
class MockOS:
    def __init__(self):
        self.log = logging.getLogger("MockOS")
        self.app_config = ApplicationConfiguration().configuration
        self.content = {"files": [], "commands": []}
        self.aborted = False

    def create_base_image(self, builder, template, parameters):
        image = builder.base_image
        assert isinstance(image, BaseImage) and image.status == "BUILDING" and builder.os_plugin is self
        self.log.info(
            "installing %s %s (%s) from %s",
            template.os_name,
            template.os_version,
            template.os_arch,
            template.install_location,
        )
        if parameter_cast_to_bool(parameters.get("fail")):
            raise ImageFactoryException("asked to fail")
        image.update(10, "BUILDING", "writing the image")
        self._wait(float(parameters.get("seconds", 0)))
        with open(image.data, "w") as body:
            body.write("MockOS base_image file for id (%s)" % image.identifier)
        image.properties["x-image-properties-glance_id"] = "glance-%s" % image.identifier
        image.parameters["libvirt_xml"] = "<domain/>"
        image.icicle = "<icicle><packages><package name='bash'/></packages></icicle>"
        image.percent_complete = 100

    def create_target_image(self, builder, target, base_image, parameters):
        image = builder.target_image
        assert isinstance(image, TargetImage) and image.target == target and image.base_image_id == base_image
        assert builder.base_image.parameters["libvirt_xml"] == "<domain/>"
        with open(builder.base_image.data) as body:
            assert body.read() == "MockOS base_image file for id (%s)" % base_image
        names = [file["name"] for file in self.content["files"]]
        with open(image.data, "w") as body:
            body.write("MockOS target_image file for id (%s) with %s" % (image.identifier, names))
        image.status_detail = {"activity": "customised for %s" % target, "error": None}

    def add_cloud_plugin_content(self, content):
        self.content = content

    def abort(self):
        self.aborted = True

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.aborted:
            time.sleep(0.01)
        if self.aborted:
            raise ImageFactoryException("aborted")
