# Everything a job needs, in the versions of requirements.lock: for Kubernetes, and through Apptainer for clusters.
#   docker build -t trajectories:0.1.0 .
#   apptainer build trajectories.sif docker-daemon:trajectories:0.1.0
FROM python:3.12-slim

# rsync and git: how the Kubernetes profile moves files, and how provenance names a checkout
RUN apt-get update && apt-get install -y --no-install-recommends rsync git && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/trajectories
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY workflow/scripts workflow/scripts
RUN python -m pip install --no-cache-dir --constraint requirements.lock '.[slurm,cluster,kubernetes]'
COPY . .

# No user's files, caches or locks inside the image
ENV HF_HOME=/tmp/huggingface XDG_CACHE_HOME=/tmp/cache
ENTRYPOINT []
CMD ["snakemake", "--help"]
