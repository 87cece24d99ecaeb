"""From a job to its views: scene, scheduler, renderers."""
