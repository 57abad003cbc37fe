# Twin in a container, on processors alone:
#   docker build -t twin .
#   docker run -p 7860:7860 -v twin-data:/data -e TWIN_KEY="$(openssl rand -hex 32)" --stop-timeout 30 twin
# Keep TWIN_KEY: what lies in /data opens under it alone, and without one no face or voice is taken. docs/serve.md has the rest.

# The whole image has the compiler that pyworld asks for; the slim one of the same Python runs what was made.
FROM python:3.11 AS wheels
# PyPI's torch brings CUDA along, some 4 GB that nothing here uses: --build-arg TORCH=https://download.pytorch.org/whl/cpu takes the one without.
ARG TORCH=
COPY requirements.txt requirements-embedded.txt /tmp/
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check ${TORCH:+--extra-index-url "$TORCH"} -r /tmp/requirements.txt \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps -r /tmp/requirements-embedded.txt

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 twin && mkdir /data && chown twin: /data
COPY --from=wheels /venv /venv
WORKDIR /app
COPY --chown=twin: app.py requirements.txt requirements-embedded.txt LICENSE THIRD_PARTY.md ./
COPY --chown=twin: persona persona
COPY --chown=twin: twin twin
COPY --chown=twin: assets assets
USER twin
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=7860 TWIN_DATA=/data TWIN_CACHE=/home/twin/cache TWIN_SHARED=1 TWIN_LOG_FORMAT=json
# What the first start would do otherwise: the mind converted, bytecode written, the film's painter compiled.
RUN python -m twin.think.smollm2 && python -m compileall -q twin persona && python -m twin.paint.draw
VOLUME /data
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py"]
